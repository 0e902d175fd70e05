"""A capture file (pcap) of segments and datagrams made up for tests."""

import struct
from pathlib import Path

RAW_IP = 101
TCP, UDP = 6, 17


def ip(protocol: int, body: bytes) -> bytes:
    """An IPv4 packet from and to the loopback address."""
    there = bytes([239, 255, 77, 1]) if protocol == UDP else bytes([127, 0, 0, 1])
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + bytes([127, 0, 0, 1]) + there + body
    )


def segment(source: int, target: int, sequence: int, body: bytes) -> bytes:
    return ip(TCP, struct.pack("!HHIIBBHHH", source, target, sequence, 1, 0x50, 0x18, 65535, 0, 0) + body)


def stream(source: int, target: int, pieces: list[bytes]) -> list[bytes]:
    """One direction of a connection, in segments."""
    packets, sequence = [], 1
    for piece in pieces:
        packets.append(segment(source, target, sequence, piece))
        sequence += len(piece)
    return packets


def datagram(target: int, body: bytes) -> bytes:
    return ip(UDP, struct.pack("!HHHH", 50000, target, 8 + len(body), 0) + body)


def write(path: Path, packets: list[bytes]) -> None:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP)
    records = [struct.pack("<IIII", at, 0, len(packet), len(packet)) + packet for at, packet in enumerate(packets)]
    path.write_bytes(head + b"".join(records))
