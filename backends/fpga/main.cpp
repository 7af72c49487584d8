// Runs a core under Verilator: loads an image, then obeys commands on standard input.
//
// Usage: simulation IMAGE INPUTS OUTPUTS NEURONS [ADDRESS FIRST BITS IS_SIGNED] ...
// Four numbers for each state that is answered, in the order in which they are answered; -1 for the address of a state
// that the rule does not have.
//
// 'T' and a byte for each input: a tick with these spikes. The answer is a byte for each output, then for each state
// NEURONS integers of 32 bits, the lowest byte first, in the core's order of neurons.
// 'R': back to rest; no answer. End of file: end.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vcore.h"
#include "verilated.h"

static Vcore *core;
static std::vector<uint8_t> spikes;
static uint64_t clocks = 0;

static void clock_once() {
    core->clk = 0;
    core->eval();
    if (core->events_out_valid && core->events_out_ready && core->events_out_payload < spikes.size())
        spikes[core->events_out_payload]++;
    core->clk = 1;
    core->eval();
    clocks++;
}

static void wait_until_idle() {
    core->clk = 0;
    core->eval();
    while (core->busy) clock_once();
}

static void load(uint32_t address, uint32_t data) {
    core->load_payload = uint64_t(data) << 20 | address;
    core->load_valid = 1;
    for (;;) {
        core->clk = 0;
        core->eval();
        bool is_taken = core->load_ready;
        clock_once();
        if (is_taken) break;
    }
    core->load_valid = 0;
}

static bool load_image(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return false;
    std::vector<char> line(1 << 20);
    uint32_t address = 0;
    while (fgets(line.data(), int(line.size()), file)) {
        if (line[0] == '@') {
            address = uint32_t(strtoul(line.data() + 1, nullptr, 16));
        } else if (line[0] != '/' && line[0] != '\n') {
            load(address++, uint32_t(strtoul(line.data(), nullptr, 16)));
        }
    }
    fclose(file);
    return true;
}

static uint32_t peeked(uint32_t address) {
    core->peek_address_payload = address;
    core->peek_address_valid = 1;
    core->peek_data_ready = 1;
    uint32_t found = 0;
    for (;;) {
        core->clk = 0;
        core->eval();
        bool is_there = core->peek_data_valid;
        found = core->peek_data_payload;
        clock_once();
        if (is_there) break;
    }
    core->peek_address_valid = 0;
    core->peek_data_ready = 0;
    return found;
}

int main(int count, char **words) {
    if (count < 5) return 2;
    Vcore model;
    core = &model;
    const size_t inputs = strtoul(words[2], nullptr, 10), outputs = strtoul(words[3], nullptr, 10);
    const size_t neurons = strtoul(words[4], nullptr, 10);
    const int states = (count - 5) / 4;
    core->events_out_ready = 1;
    core->rst = 1;
    clock_once();
    core->rst = 0;
    wait_until_idle();
    if (!load_image(words[1])) {
        fprintf(stderr, "cannot read %s\n", words[1]);
        return 1;
    }
    std::vector<uint8_t> row(inputs + 1), answer;
    for (int command; (command = getchar()) != EOF;) {
        if (command == 'R') {
            core->clear = 1;
            clock_once();
            core->clear = 0;
            wait_until_idle();
            continue;
        }
        if (command != 'T' || fread(row.data(), 1, inputs, stdin) != inputs) {
            fprintf(stderr, "the commands are T with %zu bytes, and R\n", inputs);
            return 1;
        }
        for (size_t input = 0; input < inputs; input++) {
            if (!row[input]) continue;
            core->events_in_payload = input;
            core->events_in_valid = 1;
            clock_once();
            core->events_in_valid = 0;
            wait_until_idle();
        }
        spikes.assign(outputs, 0);
        core->tick = 1;
        clock_once();
        core->tick = 0;
        wait_until_idle();
        answer = spikes;
        for (int state = 0; state < states; state++) {
            const long address = atol(words[5 + 4 * state]);
            const int first = atoi(words[6 + 4 * state]), bits = atoi(words[7 + 4 * state]);
            const bool is_signed = atoi(words[8 + 4 * state]);
            for (size_t neuron = 0; neuron < neurons; neuron++) {
                uint32_t value = 0;
                if (address >= 0) {
                    const uint64_t mask = (uint64_t(1) << bits) - 1;
                    value = uint32_t(uint64_t(peeked(uint32_t(address + neuron))) >> first & mask);
                    if (is_signed && value >> (bits - 1) & 1) value |= ~uint32_t(mask);
                }
                for (int byte = 0; byte < 4; byte++) answer.push_back(uint8_t(value >> 8 * byte));
            }
        }
        fwrite(answer.data(), 1, answer.size(), stdout);
        fflush(stdout);
    }
    if (getenv("SNNPROG_FPGA_CLOCKS")) fprintf(stderr, "%llu clocks\n", (unsigned long long)clocks);
    return 0;
}
