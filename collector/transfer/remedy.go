package transfer

// maxPacket is the largest max_allowed_packet of MySQL and MariaDB, in bytes.
const maxPacket = 1 << 30

// PacketFor returns the max_allowed_packet that holds a statement with a margin of half its length: the least power of
// 2, at most what a server accepts.
func PacketFor(bytes int64) int64 {
	packet := int64(16 << 20)
	for packet < maxPacket && packet < bytes+bytes/2 {
		packet *= 2
	}
	return packet
}

// Suffices reports whether a packet holds a statement with a margin.
func Suffices(packet, bytes int64) bool { return packet >= bytes+bytes/4 }

// BulkFor returns the bulk_size with which no statement is longer than two thirds of a packet, 0 where even one row is.
// It is a round number.
func BulkFor(packet int64, statements []Statement) int {
	rows := int64(MaxPage)
	for _, st := range statements {
		if st.Width > 0 {
			rows = min(rows, int64(float64(packet*2/3-head(st.Table, true))/st.Width))
		}
	}
	if rows < 1 {
		return 0
	}
	unit := int64(1)
	for rows/unit >= 100 {
		unit *= 10
	}
	return int(rows / unit * unit)
}
