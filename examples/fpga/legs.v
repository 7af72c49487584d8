// A hexapod's legs on an iCE40UP5K: three buttons choose walk, trot and gallop, six outputs lift the legs.
// hexapod.v is the program: snnprog export hexapod.snnp -o hexapod.v
module legs #(
  parameter CLOCKS = 12_000_000 / 8  // of the board's 12 MHz for each tick: 8 ticks a second
) (
  input clk,
  input [2:0] buttons,
  output reg [5:0] lift
);
  reg [23:0] clock = 0;
  reg [1:0] starting = 3;  // the program is at rest after a reset of a few clocks
  reg [2:0] pressed = 0, held = 0;
  wire is_tick = clock == CLOCKS - 1;
  wire ready, done;
  wire [27:0] spikes;  // the legs are the first six outputs

  always @(posedge clk) begin
    starting <= starting >> 1;
    clock <= is_tick ? 0 : clock + 1;
    held <= buttons;
    // A button is one spike, however long it is held, and in one tick alone.
    pressed <= (is_tick ? 3'b0 : pressed) | (buttons & ~held);
    if (done) lift <= spikes[5:0];
  end

  hexapod program_ (
    .clk(clk),
    .rst(starting[0]),
    .inputs(pressed),
    .tick(is_tick && ready),
    .ready(ready),
    .done(done),
    .outputs(spikes)
  );
endmodule
