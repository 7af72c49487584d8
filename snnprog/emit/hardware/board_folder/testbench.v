// Sends the frames of testbench.hex to core.v, and compares each byte that it answers: make test
//
// testbench.hex: for each frame the number of its bytes and of the answer's, two bytes each, low byte first; then the
// frame, then the answer. Two zeros end it.
`timescale 1ns / 1ps
`default_nettype none

module testbench;
    localparam DIVIDER = 4;

    reg clock = 1'b0, reset = 1'b1, rx = 1'b1;
    wire tx;
    reg [7:0] script[0:{{ script_bytes - 1 }}];
    integer frame = 0, place = 0, answers = 0, received = 0;  // where the frame and its answer stand
    integer frames = 0, compared = 0, wrong = 0, sent, bits, bits_received;
    reg [7:0] byte_received;

    snnprog_system system (.clk(clock), .rst(reset), .divider(12'd4), .rx(rx), .tx(tx));

    always #5 clock = !clock;

    // The byte that is on tx is compared with the one that the script has at its place.
    always begin
        wait (!tx);
        repeat (DIVIDER / 2) @(negedge clock);
        for (bits_received = 0; bits_received < 8; bits_received = bits_received + 1) begin
            repeat (DIVIDER) @(negedge clock);
            byte_received[bits_received] = tx;
        end
        repeat (DIVIDER) @(negedge clock);
        if (byte_received !== script[place + received]) begin
            wrong = wrong + 1;
            if (wrong <= 10)
                $display("frame %0d: answered %h, expected %h", frames, byte_received, script[place + received]);
        end
        received = received + 1;
    end

    task send(input [7:0] value);
        begin
            rx = 1'b0;
            repeat (DIVIDER) @(negedge clock);
            for (bits = 0; bits < 8; bits = bits + 1) begin
                rx = value[bits];
                repeat (DIVIDER) @(negedge clock);
            end
            rx = 1'b1;
            repeat (DIVIDER) @(negedge clock);
        end
    endtask

    function [15:0] number(input integer at);
        number = {script[at + 1], script[at]};
    endfunction

    initial begin
        $readmemh("testbench.hex", script);
        repeat (16) @(negedge clock);
        reset = 1'b0;
        while (number(frame) != 0) begin
            received = 0;
            answers = number(frame + 2);
            place = frame + 4 + number(frame);
            for (sent = frame + 4; sent < place; sent = sent + 1) send(script[sent]);
            wait (received == answers);
            compared = compared + answers;
            frames = frames + 1;
            frame = place + answers;
        end
        if (wrong != 0) $fatal(1, "%0d of %0d bytes are wrong", wrong, compared);
        $display("%0d frames, %0d bytes of answers, no difference", frames, compared);
        $finish;
    end
endmodule
