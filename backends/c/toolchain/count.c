/* Counts the instructions of each tick of a program, under QEMU: inputs in, counts out.
 *
 * 'T' and one byte for each input line: a tick. The answer is two 32-bit little-endian words: by how much the counter
 * advanced over the tick, and over a call of an empty function.
 */
#include "program.h"

#include "bytes.h"

static uint8_t inputs[PROGRAM_INPUTS + 1]; /* one more, because there may be none */
static uint8_t outputs[PROGRAM_OUTPUTS + 1];

#if defined(__riscv)
#define COUNTER_MASK 0xFFFFFFFFu

static void start_counter(void)
{
}

/* Instructions retired. */
static uint32_t counter(void)
{
    uint32_t count;
    __asm__ volatile("rdinstret %0" : "=r"(count) : : "memory");
    return count;
}
#else
#define COUNTER_MASK 0xFFFFFFu
/* SysTick counts down in 24 bits at the processor's clock (Armv6-M Architecture Reference Manual, B3.3). */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

static void start_counter(void)
{
    SYST_RVR = COUNTER_MASK;
    SYST_CVR = 0;
    SYST_CSR = 5; /* ENABLE and CLKSOURCE */
}

static uint32_t counter(void)
{
    return COUNTER_MASK - SYST_CVR;
}
#endif

static void empty(const uint8_t *lines, uint8_t *spikes)
{
    (void)lines;
    (void)spikes;
    __asm__ volatile("");
}

static uint32_t counted(void (*volatile tick)(const uint8_t *, uint8_t *))
{
    uint32_t start = counter();
    tick(inputs, outputs);
    return (counter() - start) & COUNTER_MASK;
}

/* Reads so many bytes; returns whether there were as many. */
static int take(uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        uint32_t got = read_bytes(bytes, count);
        if (got == 0) {
            return 0;
        }
        bytes += got;
        count -= got;
    }
    return 1;
}

static void tell(uint32_t word)
{
    uint8_t bytes[4];
    for (int place = 0; place < 4; place++) {
        bytes[place] = (uint8_t)(word >> 8 * place & 255u);
    }
    write_bytes(bytes, 4);
}

int main(void)
{
    uint8_t command;
    start_bytes();
    start_counter();
    program_reset();
    while (take(&command, 1)) {
        if (command != 'T' || !take(inputs, PROGRAM_INPUTS)) {
            return 1;
        }
        tell(counted(program_tick));
        tell(counted(empty));
    }
    return 0;
}
