"""Bytes that are almost right."""

import random

INFOS = b"\x84\xc4\x44\x27\x87\x81\x86\xa8\x88\x00\x0a\x04\x07"  # with which structs begin
NUMBERS = (b"\xff" * 5, b"\x80\0", b"\x80\x80\x80\x80\x10", b"\xff" * 8 + b"\x0f", b"\0", b"\1")


def mutate(dice: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randrange(len(out)) if out else 0
        match dice.randrange(9):
            case 0:
                out[at : at + 1] = dice.randbytes(1)
            case 1 if out:
                out[at] ^= 1 << dice.randrange(8)
            case 2:
                out[at:at] = dice.choice((dice.randbytes(1), *NUMBERS))
            case 3:
                del out[at : at + dice.choice((1, 2, 5))]
            case 4:
                other = dice.randrange(len(out) + 1)
                out[at:at] = out[min(at, other) : max(at, other)][:40]
            case 5 if out:
                out[at] = (out[at] + dice.choice((1, -1))) & 255
            case 6:
                out[at : at + 1] = bytes([dice.choice(INFOS)])
            case 7 if out:
                out[at] = dice.randrange(8)
            case 8:
                del out[at:]
    return bytes(out)
