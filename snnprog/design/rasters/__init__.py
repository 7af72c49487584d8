"""Which spikes to design for, where that is open: the nearest that can be given, or ticks within windows."""
