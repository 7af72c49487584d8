; Fibonacci numbers modulo 256, for ever
      LD #0
      ST r0
      LD #1
      ST r1
next: LD r0
      ST port
      ADD r1
      ST r2
      LD r1
      ST r0
      LD r2
      ST r1
      JMP next
