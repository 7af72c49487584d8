// The clock of testbench.v under Icarus Verilog.

module clock;
  reg clk = 0;
  wire finished;
  testbench bench(clk, finished);
  initial begin
    while (finished !== 1) #1 clk = !clk;
    $finish(0);
  end
endmodule
