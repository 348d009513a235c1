package strategy

import "bytes"

// What a CheckedPool fills buffers with, so that a reader who reads what nobody
// wrote, or what is no longer his, sees it.
const (
	Unwritten byte = 0xCD // a buffer that was lent and not yet written to
	Poison    byte = 0xDB // a buffer that was put
)

var unwrittenPage, poisonPage = bytes.Repeat([]byte{Unwritten}, 4<<10), bytes.Repeat([]byte{Poison}, 4<<10)

// flood repeats page in buf.
func flood(buf, page []byte) {
	for len(buf) > 0 {
		buf = buf[copy(buf, page):]
	}
}

// unpoisoned is the index of the first byte that is not Poison, -1 when all are.
func unpoisoned(buf []byte) int {
	for at := 0; at < len(buf); at += len(poisonPage) {
		part := buf[at:min(len(buf), at+len(poisonPage))]
		if bytes.Equal(part, poisonPage[:len(part)]) {
			continue
		}
		for i, b := range part {
			if b != Poison {
				return at + i
			}
		}
	}
	return -1
}
