// Presses the buttons of legs.v, and prints the legs after each tick.
module bench;
  reg clk = 0;
  reg [2:0] buttons = 0;
  wire [5:0] lift;
  integer tick;
  legs #(.CLOCKS(4)) dut (clk, buttons, lift);
  always #1 clk = !clk;
  initial begin
    #20 buttons = 1;
    #20 buttons = 0;
    for (tick = 0; tick < 60; tick = tick + 1) begin
      @(posedge dut.done);
      #3 $display("%s %b", tick < 32 ? "walk" : "trot", lift);
      buttons = tick == 30 ? 2 : 0;
    end
    $finish;
  end
endmodule
