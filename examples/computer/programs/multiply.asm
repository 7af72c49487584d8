; the product of two numbers from the port, by adding the first as often as the second says
again: LD port
      ST r0
      LD port
      ST r1
      LD #0
      ST r2
next: LD r1
      JZ done
      SUB #1
      ST r1
      LD r2
      ADD r0
      ST r2
      JMP next
done: LD r2
      ST port
      JMP again
