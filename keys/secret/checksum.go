package secret

import (
	"hash/crc32"
	"math"
)

// checksum returns the CRC-32 (IEEE) of body. It stands here because crc32.ChecksumIEEE makes its
// argument escape, and then every token that is looked at would cost an allocation. It takes eight bytes
// a step, each by a table of its own.
func checksum(body string) uint32 {
	sum := ^uint32(0)
	for ; len(body) >= 8; body = body[8:] {
		sum ^= uint32(body[0]) | uint32(body[1])<<8 | uint32(body[2])<<16 | uint32(body[3])<<24
		sum = sums[0][body[7]] ^ sums[1][body[6]] ^ sums[2][body[5]] ^ sums[3][body[4]] ^
			sums[4][sum>>24] ^ sums[5][byte(sum>>16)] ^ sums[6][byte(sum>>8)] ^ sums[7][byte(sum)]
	}
	for i := range len(body) {
		sum = sums[0][byte(sum)^body[i]] ^ sum>>8
	}
	return ^sum
}

// encodeSum returns a sum in base62, padded with zeros.
func encodeSum(sum uint32) string {
	var digits [checksumLength]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return string(digits[:])
}

// decodeSum returns the sum that encodeSum spelled so, and false for a number that is none.
func decodeSum(digits string) (uint32, bool) {
	var sum uint64
	for i := range len(digits) {
		sum = sum*62 + uint64(valueInBase62[digits[i]])
	}
	return uint32(sum), sum <= math.MaxUint32
}

// sums[n] holds what a byte does to the sum when n zero bytes follow it.
var sums = func() (tables [8][256]uint32) {
	tables[0] = *crc32.IEEETable
	for n := 1; n < len(tables); n++ {
		for b, before := range tables[n-1] {
			tables[n][b] = tables[0][byte(before)] ^ before>>8
		}
	}
	return tables
}()
