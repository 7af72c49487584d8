// A simulated board: core.v, bit by bit on its serial line, behind a pseudo-terminal.
//
// It prints the name of the terminal, which takes the place of the port of a board, and runs until it is ended.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "Vsnnprog_system.h"
#include "verilated.h"

static const int DIVIDER = 4;           // clocks in a bit: as few as the receiver can do with
static const long QUIET_CLOCKS = 5000;  // after so many without a byte, the process waits for the host

static int open_terminal() {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        perror("no pseudo-terminal");
        exit(1);
    }
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);  // held open: the master fails while nobody has it open
    termios settings;
    tcgetattr(slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(slave, TCSANOW, &settings);
    printf("%s\n", ptsname(master));
    fflush(stdout);
    return master;
}

int main(int argc, char **argv) {
    Verilated::commandArgs(argc, argv);
    Vsnnprog_system *board = new Vsnnprog_system;
    int terminal = open_terminal();

    board->divider = DIVIDER;
    board->rx = 1;
    board->rst = 1;

    uint8_t waiting[256];  // from the host
    int have = 0, next = 0;
    int sent_bits = 0, sent_clocks = 0;  // of the byte on rx
    unsigned frame = 0;
    int got_bits = -1, got_clocks = 0;  // of the byte on tx
    unsigned got = 0;
    long quiet = 0;

    for (uint64_t clock = 0;; clock++) {
        board->rst = clock < 16;
        board->clk = 0;
        board->eval();
        board->clk = 1;
        board->eval();

        if (sent_clocks > 0) {
            sent_clocks--;
        } else if (sent_bits > 0) {
            board->rx = frame & 1;
            frame >>= 1;
            sent_bits--;
            sent_clocks = DIVIDER - 1;
        } else if (next < have) {
            frame = 0x600u | waiting[next++] << 1;  // a start bit, the byte, a stop bit and one more
            sent_bits = 11;
            quiet = 0;
        }

        if (got_bits < 0) {
            if (!board->tx) {
                got_bits = 0;
                got = 0;
                got_clocks = DIVIDER + DIVIDER / 2 - 1;
                quiet = 0;
            }
        } else if (got_clocks-- == 0) {
            got_clocks = DIVIDER - 1;
            if (got_bits < 8) {
                got |= (unsigned)board->tx << got_bits++;
            } else {
                uint8_t byte = got;
                if (write(terminal, &byte, 1) != 1) return 0;
                got_bits = -1;
            }
        }

        if (next == have && clock % 64 == 0) {
            pollfd ask = {terminal, POLLIN, 0};
            if (poll(&ask, 1, ++quiet * 64 > QUIET_CLOCKS ? 1 : 0) > 0) {
                have = read(terminal, waiting, sizeof waiting);
                next = 0;
                if (have < 0) return 0;
            }
        }
    }
}
