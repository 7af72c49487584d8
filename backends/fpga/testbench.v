// Runs a core under Icarus Verilog as main.cpp does under Verilator, and answers in hexadecimal, a line for each tick.
//
// Usage: vvp simulation +image=IMAGE +layout=LAYOUT; main.cpp says what LAYOUT and the commands are.

module testbench;
  localparam MOST_NEURONS = 65536;
  localparam STDIN = 32'h8000_0000;

  reg clk = 0, rst = 0, tick = 0, clear = 0;
  reg events_in_valid = 0, load_valid = 0, peek_address_valid = 0, peek_data_ready = 0;
  reg [31:0] input_number = 0, address = 0, data = 0;
  wire events_in_ready, events_out_valid, load_ready, peek_address_ready, peek_data_valid, busy, done;
  wire [31:0] events_out_payload, peek_data_payload;

  snnprog_core core (
      .clk(clk), .rst(rst), .tick(tick), .clear(clear), .busy(busy), .done(done),
      .events_in_payload(input_number), .events_in_valid(events_in_valid), .events_in_ready(events_in_ready),
      .events_out_payload(events_out_payload), .events_out_valid(events_out_valid), .events_out_ready(1'b1),
      .load_payload({data, address[23:0]}), .load_valid(load_valid), .load_ready(load_ready),
      .peek_address_payload(address[23:0]), .peek_address_valid(peek_address_valid),
      .peek_address_ready(peek_address_ready),
      .peek_data_payload(peek_data_payload), .peek_data_valid(peek_data_valid), .peek_data_ready(peek_data_ready));

  reg [7:0] spikes[0:MOST_NEURONS-1], row[0:MOST_NEURONS-1];
  integer events[0:MOST_NEURONS-1], places[0:MOST_NEURONS-1];
  integer state_address[0:7], state_first[0:7], state_bits[0:7], state_is_signed[0:7];
  integer inputs, outputs, neurons, states, file, found, command, index, state, spike;
  reg [8*1024-1:0] path;
  reg signed [63:0] value;

  task clock_once;
    begin
      #1;
      if (events_out_valid === 1'b1) spikes[events_out_payload] = spikes[events_out_payload] + 1;
      clk = 1;
      #1 clk = 0;
      #1;
    end
  endtask

  task wait_until_idle;
    while (busy !== 1'b0) clock_once;
  endtask

  task load_image;
    begin
      file = $fopen(path, "r");
      while (!$feof(file)) begin
        found = $fgetc(file);
        if (found == "/") begin
          while (found != "\n") found = $fgetc(file);
        end else if (found == "@") begin
          found = $fscanf(file, "%h\n", address);
        end else if (found != -1) begin
          found = $ungetc(found, file);
          found = $fscanf(file, "%h\n", data);
          load_valid = 1;
          #1;
          while (load_ready !== 1'b1) clock_once;
          clock_once;
          load_valid = 0;
          address = address + 1;
        end
      end
      $fclose(file);
    end
  endtask

  initial begin
    found = $value$plusargs("layout=%s", path);
    file = $fopen(path, "r");
    found = $fscanf(file, "%d %d %d %d", inputs, outputs, neurons, states);
    for (state = 0; state < states; state = state + 1)
      found = $fscanf(file, "%d %d %d %d", state_address[state], state_first[state], state_bits[state],
                      state_is_signed[state]);
    for (index = 0; index < outputs; index = index + 1) found = $fscanf(file, "%d", events[index]);
    for (index = 0; index < neurons; index = index + 1) found = $fscanf(file, "%d", places[index]);
    $fclose(file);
    #1 rst = 1;  // an edge, which lets Icarus calculate all that depends on it
    clock_once;
    rst = 0;
    #1 wait_until_idle;
    found = $value$plusargs("image=%s", path);
    load_image;
    command = $fgetc(STDIN);
    while (command != -1) begin
      if (command == "R") begin
        clear = 1;
        clock_once;
        clear = 0;
        wait_until_idle;
      end else begin
        for (index = 0; index < inputs; index = index + 1) row[index] = $fgetc(STDIN);
        for (index = 0; index < inputs; index = index + 1)
          for (spike = 0; spike < row[index]; spike = spike + 1) begin
            input_number = index;
            events_in_valid = 1;
            #1;
            while (events_in_ready !== 1'b1) clock_once;
            clock_once;
            events_in_valid = 0;
            wait_until_idle;
          end
        for (index = 0; index < outputs; index = index + 1) spikes[events[index]] = 0;
        tick = 1;
        clock_once;
        tick = 0;
        wait_until_idle;
        for (index = 0; index < outputs; index = index + 1) $write("%02x", spikes[events[index]]);
        for (state = 0; state < states; state = state + 1)
          for (index = 0; index < neurons; index = index + 1) begin
            value = 0;
            if (state_address[state] >= 0) begin
              address = state_address[state] + places[index];
              peek_address_valid = 1;
              peek_data_ready = 1;
              #1;
              while (peek_data_valid !== 1'b1) clock_once;
              value = {32'b0, peek_data_payload} << (64 - state_first[state] - state_bits[state]);
              if (state_is_signed[state]) value = value >>> (64 - state_bits[state]);
              else value = value >> (64 - state_bits[state]);
              clock_once;
              peek_address_valid = 0;
              peek_data_ready = 0;
            end
            $write("%02x%02x%02x%02x", value[7:0], value[15:8], value[23:16], value[31:24]);
          end
        $write("\n");
        $fflush(STDIN + 1);
      end
      command = $fgetc(STDIN);
    end
    $finish(0);
  end
endmodule
