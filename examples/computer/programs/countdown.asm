; counts from ten to zero and halts; a start spike starts it again
      LD #10
next: ST port
      JZ done
      SUB #1
      JMP next
done: HALT
