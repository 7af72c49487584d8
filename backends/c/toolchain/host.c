/* Standard input and output of a computer, without a buffer of their own. */
#include "bytes.h"

#include <stdlib.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#define read _read
#define write _write
#else
#include <unistd.h>
#endif

void start_bytes(void)
{
#ifdef _WIN32
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
#endif
}

uint32_t read_bytes(uint8_t *bytes, uint32_t count)
{
    long got = (long)read(0, bytes, count);
    if (got < 0) {
        exit(2);
    }
    return (uint32_t)got;
}

void write_bytes(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        long put = (long)write(1, bytes, count);
        if (put <= 0) {
            exit(2);
        }
        bytes += put;
        count -= (uint32_t)put;
    }
}
