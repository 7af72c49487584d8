// Plays commands on standard input to the Verilog of one program, under Verilator and under Icarus Verilog.
//
// 'T' and a byte for each input: a tick with these spikes, 0 or 1. The answer is a line of hexadecimal numbers: the
// outputs' counts and, with STATES, all currents and all potentials, neuron 0 in the lowest bits. 'R': back to rest; no
// answer. End of file: end.
//
// MODULE is the program's module, INPUTS the number of its inputs and COUNTS the bits of its outputs, both not defined
// where there are none. STATES are the bits of all currents; it is not defined for a module without.

module testbench (
    input clk,
    output reg finished
);
  localparam STDIN = 32'h8000_0000;
  reg rst, tick, is_reset, is_running;
  wire ready, done;
  integer command, found;
`ifdef INPUTS
  reg [`INPUTS-1:0] inputs;
  integer index;
`endif
`ifdef COUNTS
  wire [`COUNTS-1:0] outputs;
`else
  wire outputs = 0;
`endif
`ifdef STATES
  wire [`STATES-1:0] currents, potentials;
`endif

  `MODULE program_ (
`ifdef INPUTS
      .inputs(inputs),
`endif
`ifdef COUNTS
      .outputs(outputs),
`endif
`ifdef STATES
      .currents(currents), .potentials(potentials),
`endif
      .clk(clk), .rst(rst), .tick(tick), .ready(ready), .done(done));

  initial begin
    finished = 0;
    rst = 1;
    tick = 0;
    is_reset = 0;
    is_running = 0;
  end

  always @(posedge clk) is_reset <= 1;

  always @(negedge clk) if (is_reset && !finished) begin
    if (done && is_running) begin
`ifdef STATES
      $display("%h %h %h", outputs, currents, potentials);
`else
      $display("%h", outputs);
`endif
      $fflush(STDIN + 1);
      is_running = 0;
    end
    rst <= 0;
    tick <= 0;
    if (!is_running) begin
      command = $fgetc(STDIN);
      if (command == -1) finished <= 1;
      else if (command == "R") rst <= 1;
      else if (command != "T" || !ready) begin
        $display("wrong: command %0d, ready %b", command, ready);
        finished <= 1;
      end else begin
`ifdef INPUTS
        for (index = 0; index < `INPUTS; index = index + 1) begin
          found = $fgetc(STDIN);
          if (found != 0 && found != 1) begin
            $display("wrong: an input spikes at most once in a tick, got %0d", found);
            finished <= 1;
          end
          inputs[index] <= found[0];
        end
`endif
        tick <= 1;
        is_running = 1;
      end
    end
  end
endmodule
