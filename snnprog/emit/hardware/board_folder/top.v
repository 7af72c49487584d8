// {{ board.title }}: the clock of the core and its pins.
// The core, its serial line and the protocol are in core.v.
`default_nettype none

module top (
    input  wire clock_pin,  // {{ mhz(board.crystal_hz) }} MHz
    input  wire rx_pin,     // from the host
    output wire tx_pin{{ "," if board.high_pins }}  // to the host
{% for name, pin in board.high_pins %}
    output wire {{ name }}_pin{{ "," if not loop.last }}  // always high
{% endfor %}
);
    // Clocks in a bit of the serial line: {{ mhz(board.device.clock_hz) }} MHz / {{ board.divider }} = {{ baud }} baud.
    localparam DIVIDER = {{ board.divider }};

    wire clock, locked;
{% for name, pin in board.high_pins %}
    assign {{ name }}_pin = 1'b1;
{% endfor %}
{% if board.device.family == "ice40" %}

    // {{ mhz(board.crystal_hz) }} MHz to {{ mhz(board.device.clock_hz) }} MHz: icepll -i {{ mhz(board.crystal_hz) }} -o {{ mhz(board.device.clock_hz) }}
    {{ "SB_PLL40_PAD" if board.is_clock_pad else "SB_PLL40_CORE" }} #(
        .FEEDBACK_PATH("SIMPLE"),
        .DIVR(4'b0000),
        .DIVF(7'b0111111),
        .DIVQ(3'b101),
        .FILTER_RANGE(3'b001)
    ) pll (
        .{{ "PACKAGEPIN" if board.is_clock_pad else "REFERENCECLK" }}(clock_pin),
        .PLLOUTGLOBAL(clock),
        .LOCK(locked),
        .RESETB(1'b1),
        .BYPASS(1'b0)
    );
{% else %}

    // {{ mhz(board.crystal_hz) }} MHz to {{ mhz(board.device.clock_hz) }} MHz: ecppll -i {{ mhz(board.crystal_hz) }} -o {{ mhz(board.device.clock_hz) }}
    (* FREQUENCY_PIN_CLKI="{{ mhz(board.crystal_hz) }}", FREQUENCY_PIN_CLKOP="{{ mhz(board.device.clock_hz) }}" *)
    (* ICP_CURRENT="12", LPF_RESISTOR="8", MFG_ENABLE_FILTEROPAMP="1", MFG_GMCREF_SEL="2" *)
    EHXPLLL #(
        .PLLRST_ENA("DISABLED"),
        .INTFB_WAKE("DISABLED"),
        .STDBY_ENABLE("DISABLED"),
        .DPHASE_SOURCE("DISABLED"),
        .OUTDIVIDER_MUXA("DIVA"),
        .OUTDIVIDER_MUXB("DIVB"),
        .OUTDIVIDER_MUXC("DIVC"),
        .OUTDIVIDER_MUXD("DIVD"),
        .CLKI_DIV({{ board.device.pll.input }}),
        .CLKOP_ENABLE("ENABLED"),
        .CLKOP_DIV({{ board.device.pll.output }}),
        .CLKOP_CPHASE({{ (board.device.pll.output - 1) // 2 }}),
        .CLKOP_FPHASE(0),
        .FEEDBK_PATH("CLKOP"),
        .CLKFB_DIV({{ board.device.pll.feedback }})
    ) pll (
        .RST(1'b0),
        .STDBY(1'b0),
        .CLKI(clock_pin),
        .CLKOP(clock),
        .CLKFB(clock),
        .CLKINTFB(),
        .PHASESEL0(1'b0),
        .PHASESEL1(1'b0),
        .PHASEDIR(1'b1),
        .PHASESTEP(1'b1),
        .PHASELOADREG(1'b1),
        .PLLWAKESYNC(1'b0),
        .ENCLKOP(1'b0),
        .LOCK(locked)
    );
{% endif %}

    // Reset for 255 clocks after the PLL has locked: block RAMs of an iCE40 cannot be read right after configuration.
    reg [7:0] waited = 8'd0;
    wire reset = waited != 8'hFF;
    always @(posedge clock or negedge locked)
        if (!locked) waited <= 8'd0;
        else if (reset) waited <= waited + 8'd1;

    snnprog_system system (
        .clk(clock),
        .rst(reset),
        .divider(DIVIDER[11:0]),
        .rx(rx_pin),
        .tx(tx_pin)
    );
endmodule
