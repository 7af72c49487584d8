/* What a bare microcontroller needs to run main() under QEMU: its start, bytes in and out, and the end.
 *
 * Bytes come and go by semihosting (Arm, "Semihosting for AArch32 and AArch64", and the RISC-V specification of the
 * same name): a breakpoint at which QEMU reads a request from two registers. No C library is linked.
 */
#include "bytes.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18, SYS_EXIT_EXTENDED = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 }; /* modes of SYS_OPEN: "rb" and "wb" */
#define APPLICATION_EXIT 0x20026u /* ADP_Stopped_ApplicationExit */

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];

int main(void);
void _start(void);
void run(void);

static uint32_t input_handle;
static uint32_t output_handle;

static uint32_t semihosting(uint32_t operation, const void *argument)
{
#if defined(__riscv)
    register uint32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n.option norvc\n.balign 16\n" /* the three must be in one page */
                     "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#else
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static void leave(uint32_t code)
{
    const uint32_t reason[2] = {APPLICATION_EXIT, code};
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, reason);
    }
}

/* ":tt" is the console: standard input of QEMU where it is opened for reading, standard output for writing. */
static uint32_t opened(uint32_t mode)
{
    static const char console[] = ":tt";
    const uint32_t request[3] = {(uint32_t)(uintptr_t)console, mode, sizeof console - 1};
    return semihosting(SYS_OPEN, request);
}

void start_bytes(void)
{
    input_handle = opened(READ_BINARY);
    output_handle = opened(WRITE_BINARY);
}

uint32_t read_bytes(uint8_t *bytes, uint32_t count)
{
    const uint32_t request[3] = {input_handle, (uint32_t)(uintptr_t)bytes, count};
    return count - semihosting(SYS_READ, request); /* which returns how many bytes were not read */
}

void write_bytes(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        const uint32_t request[3] = {output_handle, (uint32_t)(uintptr_t)bytes, count};
        uint32_t left = semihosting(SYS_WRITE, request);
        if (left == count || left > count) {
            leave(2);
        }
        bytes += count - left;
        count = left;
    }
}

/* Compilers call these for loops that fill or copy; a C library would have them. */
void *memset(void *target, int value, uintptr_t count);
void *memcpy(void *target, const void *source, uintptr_t count);

void *memset(void *target, int value, uintptr_t count)
{
    volatile uint8_t *bytes = target;
    while (count-- > 0) {
        *bytes++ = (uint8_t)value;
    }
    return target;
}

void *memcpy(void *target, const void *source, uintptr_t count)
{
    volatile uint8_t *to = target;
    const uint8_t *from = source;
    while (count-- > 0) {
        *to++ = *from++;
    }
    return target;
}

void run(void)
{
    const uint32_t *source = data_source;
    for (volatile uint32_t *word = data_start; word < data_end; word++) {
        *word = *source++;
    }
    for (volatile uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    leave((uint32_t)main());
}

#if defined(__riscv)
__asm__(".section .start, \"ax\"\n.global _start\n_start:\nla sp, stack_top\nj run\n.text");
#else
static void stuck(void) /* a fault */
{
    leave(3);
}

/* The first words of the memory of a Cortex-M: its stack, where it starts, and what handles its faults. */
__attribute__((section(".start"), used)) static const void *const vectors[] = {
    stack_top, (const void *)_start, (const void *)stuck, (const void *)stuck,
};

void _start(void)
{
    run();
}
#endif
