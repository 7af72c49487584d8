/* Plays commands to an exported program: bytes in, bytes out.
 *
 * 'T' and one byte for each input line: a tick; the answer is one byte for each output and, where PROGRAM_STATE is
 * defined, the current and then the potential of every neuron as 32-bit little-endian integers.
 * 'R': back to rest; no answer.
 *
 * Answers are kept until there is nothing more to read, so that a file is played in large blocks, and a tick that
 * comes by itself is answered at once.
 */
#include "program.h"

#include "bytes.h"

static uint8_t taken[BLOCK];
static uint8_t kept[BLOCK];
static uint32_t taken_next;
static uint32_t taken_end;
static uint32_t kept_end;

static void flush(void)
{
    write_bytes(kept, kept_end);
    kept_end = 0;
}

/* Returns the next byte, or -1 at the end. */
static int take(void)
{
    if (taken_next == taken_end) {
        flush();
        taken_next = 0;
        taken_end = read_bytes(taken, BLOCK);
        if (taken_end == 0) {
            return -1;
        }
    }
    return taken[taken_next++];
}

static void keep(uint8_t byte)
{
    if (kept_end == BLOCK) {
        flush();
    }
    kept[kept_end++] = byte;
}

#ifdef PROGRAM_STATE
static void keep_word(int32_t value)
{
    uint32_t word = (uint32_t)value;
    for (int shift = 0; shift < 32; shift += 8) {
        keep((uint8_t)(word >> shift & 255u));
    }
}
#endif

int main(void)
{
    static uint8_t inputs[PROGRAM_INPUTS + 1]; /* one more, because there may be none */
    static uint8_t outputs[PROGRAM_OUTPUTS + 1];
    start_bytes();
    program_reset();
    for (int command = take(); command >= 0; command = take()) {
        if (command == 'R') {
            program_reset();
            continue;
        }
        if (command != 'T') {
            return 1;
        }
        for (int32_t line = 0; line < PROGRAM_INPUTS; line++) {
            int byte = take();
            if (byte < 0) {
                return 1;
            }
            inputs[line] = (uint8_t)byte;
        }
        program_tick(inputs, outputs);
        for (int32_t output = 0; output < PROGRAM_OUTPUTS; output++) {
            keep(outputs[output]);
        }
#ifdef PROGRAM_STATE
        for (int32_t neuron = 0; neuron < PROGRAM_NEURONS; neuron++) {
            keep_word(program_current[neuron]);
        }
        for (int32_t neuron = 0; neuron < PROGRAM_NEURONS; neuron++) {
            keep_word(program_potential[neuron]);
        }
#endif
    }
    return 0;
}
