/* Times the ticks of an exported program on this computer: stimulus in, seconds and spikes out.
 *
 * Reads one byte for each input line of each tick until the end, plays all ticks from rest ROUNDS times, and prints the
 * least seconds of a round, and how often outputs spiked in one.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "program.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int count, char **words)
{
    long ticks = count == 3 ? atol(words[1]) : 0, rounds = count == 3 ? atol(words[2]) : 0;
    uint8_t *inputs = malloc((size_t)ticks * PROGRAM_INPUTS + 1);
    uint8_t *outputs = malloc((size_t)ticks * PROGRAM_OUTPUTS + 1);
    double least = 1e9;
    unsigned long spikes = 0;
    if (inputs == NULL || outputs == NULL || ticks < 1
        || fread(inputs, PROGRAM_INPUTS, (size_t)ticks, stdin) != (size_t)ticks) {
        return 1;
    }
    for (long round = 0; round < rounds; round++) {
        double start = now();
        program_reset();
        for (long tick = 0; tick < ticks; tick++) {
            program_tick(inputs + tick * PROGRAM_INPUTS, outputs + tick * PROGRAM_OUTPUTS);
        }
        double seconds = now() - start;
        least = seconds < least ? seconds : least;
    }
    for (long place = 0; place < ticks * PROGRAM_OUTPUTS; place++) {
        spikes += outputs[place];
    }
    printf("%.9f %lu\n", least, spikes);
    return 0;
}
