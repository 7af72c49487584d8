// The clock of testbench.v under Verilator, which has none of its own: this compiles faster.

#include "Vtestbench.h"
#include "verilated.h"

int main() {
    VerilatedContext context;
    Vtestbench bench{&context};
    while (!bench.finished) {
        bench.clk = !bench.clk;
        bench.eval();
    }
    bench.final();
}
