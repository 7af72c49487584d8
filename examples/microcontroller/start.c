/* What runs before main(): a Cortex-M0 takes its stack and its first instruction from the first words of its flash. */
#include <stdint.h>

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
int main(void);

static void start(void)
{
    const uint32_t *source = data_source;
    for (volatile uint32_t *word = data_start; word < data_end; word++) {
        *word = *source++;
    }
    for (volatile uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    main();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {stack_top, (const void *)start};
