/* Iris on a micro:bit: four lengths in millimetres come in by the serial port, a byte each; the species goes out. */
#include "flowers.h" /* the exported program */
#include "ranges.h"  /* the least and the greatest of each length: LOW and HIGH */

#define LENGTHS 4
#define LEVELS (FLOWERS_INPUTS / LENGTHS)

/* The serial port of the nRF51822 (its reference manual, chapter 29). */
#define PORT(offset) (*(volatile uint32_t *)(0x40002000u + offset))
enum { START_RX = 0x000, START_TX = 0x008, RX_READY = 0x108, TX_READY = 0x11C, ENABLE = 0x500 };
enum { TX_PIN = 0x50C, RX_PIN = 0x514, RX = 0x518, TX = 0x51C, BAUD = 0x524 };

static uint8_t receive(void)
{
    while (PORT(RX_READY) == 0) {
    }
    PORT(RX_READY) = 0;
    return (uint8_t)PORT(RX);
}

static void send(const char *text)
{
    for (; *text != 0; text++) {
        PORT(TX_READY) = 0;
        PORT(TX) = (uint8_t)*text;
        while (PORT(TX_READY) == 0) {
        }
    }
}

int main(void)
{
    static const char *const species[] = {"setosa\n", "versicolor\n", "virginica\n"};
    static const int16_t low[LENGTHS] = LOW, high[LENGTHS] = HIGH;
    static const uint8_t silence[FLOWERS_INPUTS];
    static uint8_t lines[FLOWERS_INPUTS], spikes[FLOWERS_OUTPUTS];
    PORT(TX_PIN) = 24, PORT(RX_PIN) = 25, PORT(BAUD) = 0x01D7E000; /* 115,200 baud, to the USB port */
    PORT(ENABLE) = 4, PORT(START_RX) = 1, PORT(START_TX) = 1;
    for (;;) {
        int votes[3] = {0, 0, 0}, most = 0;
        for (int length = 0; length < LENGTHS; length++) { /* a line spikes for each level that is exceeded */
            int above = 2 * LEVELS * (receive() - low[length]), range = high[length] - low[length];
            for (int level = 0; level < LEVELS; level++) {
                lines[length * LEVELS + level] = above > (2 * level + 1) * range;
            }
        }
        flowers_reset();
        flowers_tick(lines, spikes);
        flowers_tick(silence, spikes); /* the answer comes one tick later */
        votes[spikes[0] ? 1 : 0]++;    /* an output for each pair of species; a spike says: the second one */
        votes[spikes[1] ? 2 : 0]++;
        votes[spikes[2] ? 2 : 1]++;
        for (int kind = 1; kind < 3; kind++) {
            most = votes[kind] > votes[most] ? kind : most;
        }
        send(species[most]);
    }
}
