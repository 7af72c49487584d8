// Runs a core under Verilator: loads an image, then obeys commands on standard input.
//
// Usage: simulation IMAGE LAYOUT. LAYOUT is a text of numbers: inputs, outputs, neurons, states, then for each state
// address, lowest bit, bits and 1 if it has a sign (-1 for the address of a state that the rule does not have), then
// for each output the number of its events, then for each neuron of the program what is added to a state's address.
//
// 'T' and a byte for each input: a tick with these spikes. The answer is a byte for each output, then for each state an
// integer of 32 bits for each neuron, the lowest byte first. 'R': back to rest; no answer. 'C': the answer is how many
// clocks all ticks have taken, their input events included, in 64 bits. End of file: end.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "Vcore.h"
#include "verilated.h"

static const int ADDRESS_BITS = 24;

struct State {
    long address, first, bits, is_signed;
};

static Vcore *core;
static std::vector<uint8_t> spikes(65536);  // by numbers of events
static uint64_t clocks = 0;

static void clock_once() {
    core->clk = 0;
    core->eval();
    if (core->events_out_valid && core->events_out_ready) spikes[core->events_out_payload]++;
    core->clk = 1;
    core->eval();
    clocks++;
}

static void wait_until_idle() {
    while (core->busy) clock_once();
}

// Returns whether a handshake that waits for `ready` ends in this clock.
static bool is_taken(const uint8_t &ready) {
    core->clk = 0;
    core->eval();
    const bool is_ready = ready;
    clock_once();
    return is_ready;
}

static void load(uint32_t address, uint32_t data) {
    core->load_payload = uint64_t(data) << ADDRESS_BITS | address;
    core->load_valid = 1;
    while (!is_taken(core->load_ready)) {
    }
    core->load_valid = 0;
}

static bool load_image(const char *path) {
    std::ifstream file(path);
    uint32_t address = 0;
    for (std::string line; std::getline(file, line);) {
        if (line[0] == '@') {
            address = uint32_t(std::stoul(line.substr(1), nullptr, 16));
        } else if (!line.empty() && line[0] != '/') {
            load(address++, uint32_t(std::stoul(line, nullptr, 16)));
        }
    }
    return file.eof();
}

static void send(uint32_t input) {
    core->events_in_payload = input;
    core->events_in_valid = 1;
    while (!is_taken(core->events_in_ready)) {
    }
    core->events_in_valid = 0;
    wait_until_idle();
}

static uint32_t value_of(const State &state, uint32_t place) {
    if (state.address < 0) return 0;
    core->peek_address_payload = uint32_t(state.address) + place;
    core->peek_address_valid = 1;
    core->peek_data_ready = 1;
    while (!core->peek_data_valid) clock_once();
    const uint64_t mask = (uint64_t(1) << state.bits) - 1;
    uint64_t value = uint64_t(core->peek_data_payload) >> state.first & mask;
    if (state.is_signed && value >> (state.bits - 1)) value |= ~mask;
    clock_once();
    core->peek_address_valid = 0;
    core->peek_data_ready = 0;
    return uint32_t(value);
}

int main(int count, char **words) {
    if (count != 3) return 2;
    Vcore model;
    core = &model;
    std::ifstream layout(words[2]);
    size_t inputs = 0, outputs = 0, neurons = 0, states = 0;
    layout >> inputs >> outputs >> neurons >> states;
    std::vector<State> found(states);
    for (State &state : found) layout >> state.address >> state.first >> state.bits >> state.is_signed;
    std::vector<uint32_t> events(outputs), places(neurons);
    for (uint32_t &event : events) layout >> event;
    for (uint32_t &place : places) layout >> place;
    core->events_out_ready = 1;
    core->rst = 1;
    clock_once();
    core->rst = 0;
    wait_until_idle();
    if (!layout || !load_image(words[1])) {
        fprintf(stderr, "cannot read %s and %s\n", words[1], words[2]);
        return 1;
    }
    std::vector<uint8_t> row(inputs), answer;
    uint64_t clocks_of_ticks = 0;
    for (int command; (command = getchar()) != EOF;) {
        if (command == 'R') {
            core->clear = 1;
            clock_once();
            core->clear = 0;
            wait_until_idle();
            continue;
        }
        if (command == 'C') {
            for (int byte = 0; byte < 8; byte++) putchar(int(clocks_of_ticks >> 8 * byte & 255));
            fflush(stdout);
            continue;
        }
        if (command != 'T' || fread(row.data(), 1, inputs, stdin) != inputs) {
            fprintf(stderr, "the commands are C, R, and T with %zu bytes\n", inputs);
            return 1;
        }
        const uint64_t before = clocks;
        for (size_t input = 0; input < inputs; input++) {
            for (int spike = 0; spike < row[input]; spike++) send(uint32_t(input));
        }
        for (const uint32_t event : events) spikes[event] = 0;
        core->tick = 1;
        clock_once();
        core->tick = 0;
        wait_until_idle();
        clocks_of_ticks += clocks - before;
        answer.clear();
        for (const uint32_t event : events) answer.push_back(spikes[event]);
        for (const State &state : found) {
            for (uint32_t place : places) {
                const uint32_t value = value_of(state, place);
                for (int byte = 0; byte < 4; byte++) answer.push_back(uint8_t(value >> 8 * byte));
            }
        }
        fwrite(answer.data(), 1, answer.size(), stdout);
        fflush(stdout);
    }
    return 0;
}
