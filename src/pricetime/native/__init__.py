"""Seams to the machine: clock, atomics, CRC, mapped memory, sockets, disk, histogram."""
