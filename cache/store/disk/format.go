package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A stored file, version 1. Integers are little-endian, checksums are CRC-32C.
//
//	0          +---------------------------------------------------+
//	           | body                                              |
//	body       +---------------------------------------------------+
//	           | table: a checksum for each block of the body      | 4 bytes each
//	tableEnd   +---------------------------------------------------+
//	           | record: head | JSON of the key and the metadata   |
//	           +---------------------------------------------------+
//	           | footer                                            | 48 bytes
//	           +---------------------------------------------------+
//	           | record, footer: one more pair for each "not       |
//	           | modified" answer; the last whole footer counts.   |
//	           | Past 64 KiB they begin at tableEnd again          |
//	end        +---------------------------------------------------+
//
//	head       0  8  "djw-meta"
//	           8  4  bytes of the record, the head's 16 included
//	          12  4  checksum of the twelve bytes above
//
//	footer     0  8  "djw-foot"
//	           8  4  version
//	          12  4  bytes of a block; the last one may be shorter
//	          16  8  bytes of the body
//	          24  4  checksum of the table
//	          28  4  checksum of the record
//	          32  8  offset of the record
//	          40  4  bytes of the record
//	          44  4  checksum of the 44 bytes above
//
// A footer is believed only where it says that it lies, right behind its
// record. The head tells a torn append, which ends before its own length, from
// a footer that was altered: the first leaves the footer before it in force, the
// second condemns the file, for the older metadata would be wrong.
const (
	formatVersion = 1
	blockSize     = 64 << 10
	maxBlockSize  = 16 << 20
	sumSize       = 4

	headMagic   = "djw-meta"
	headSize    = 16
	footerMagic = "djw-foot"
	footerSize  = 48

	maxRecord = 16 << 20 // bytes; what is longer is damage, or is refused
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// body describes the part of a file that never changes.
type body struct {
	size     int64  // bytes
	block    int64  // bytes of a block
	tableSum uint32 // checksum of the table
}

// blocks is the number of blocks.
func (b body) blocks() int64 { return (b.size + b.block - 1) / b.block }

// tableEnd is where the table ends and the first record begins.
func (b body) tableEnd() int64 { return b.size + sumSize*b.blocks() }

// footer is a footer's content. The footer itself lies at recordEnd.
type footer struct {
	body
	recordSum uint32
	recordOff int64
	recordLen int64
}

func (f footer) recordEnd() int64 { return f.recordOff + f.recordLen }
func (f footer) end() int64       { return f.recordEnd() + footerSize }

// append encodes f behind b.
func (f footer) append(b []byte) []byte {
	start := len(b)
	b = append(b, footerMagic...)
	b = le.AppendUint32(b, formatVersion)
	b = le.AppendUint32(b, uint32(f.block))
	b = le.AppendUint64(b, uint64(f.size))
	b = le.AppendUint32(b, f.tableSum)
	b = le.AppendUint32(b, f.recordSum)
	b = le.AppendUint64(b, uint64(f.recordOff))
	b = le.AppendUint32(b, uint32(f.recordLen))
	return le.AppendUint32(b, checksum(b[start:]))
}

// parseFooter decodes the footer that b, found at offset at, begins with.
func parseFooter(b []byte, at int64) (f footer, ok bool) {
	if len(b) < footerSize || string(b[:8]) != footerMagic || le.Uint32(b[8:]) != formatVersion ||
		le.Uint32(b[44:]) != checksum(b[:44]) {
		return f, false
	}
	f.block = int64(le.Uint32(b[12:]))
	f.size = int64(le.Uint64(b[16:]))
	f.tableSum = le.Uint32(b[24:])
	f.recordSum = le.Uint32(b[28:])
	f.recordOff = int64(le.Uint64(b[32:]))
	f.recordLen = int64(le.Uint32(b[40:]))
	// Every length is compared with the footer's own place before it is used
	// in a sum, so that none overflows.
	return f, f.block > 0 && f.block <= maxBlockSize &&
		f.size >= 0 && f.size <= at && f.tableEnd() <= f.recordOff &&
		f.recordOff <= at && f.recordLen >= headSize && f.recordLen <= maxRecord && f.recordEnd() == at
}

// appendHead encodes the head of a record of n bytes behind b.
func appendHead(b []byte, n int) []byte {
	start := len(b)
	b = append(b, headMagic...)
	b = le.AppendUint32(b, uint32(n))
	return le.AppendUint32(b, checksum(b[start:]))
}

// parseHead returns the length of the record that b begins with.
func parseHead(b []byte) (n int64, err error) {
	if len(b) < headSize || string(b[:8]) != headMagic || le.Uint32(b[12:]) != checksum(b[:12]) {
		return 0, fmt.Errorf("%w: no record where one must be", ErrCorrupt)
	}
	return int64(le.Uint32(b[8:])), nil
}
