"""The choice of spikes to design for: the closest feasible raster, or ticks within windows."""
