/* How bytes come in and go out: host.c has it for a computer, bare.c for a microcontroller under QEMU. */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>

#ifdef __STDC_HOSTED__
#if __STDC_HOSTED__
#define BLOCK 65536u /* bytes read and written at a time; a choice, not a measurement */
#else
#define BLOCK 256u /* of the 16 KiB of a micro:bit, two blocks take 512 bytes */
#endif
#endif

/* Makes the standard streams carry bytes unchanged. */
void start_bytes(void);

/* Reads at most so many bytes, at least one; returns how many, 0 at the end. */
uint32_t read_bytes(uint8_t *bytes, uint32_t count);

/* Writes all of the bytes. */
void write_bytes(const uint8_t *bytes, uint32_t count);

#endif
