package service

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
)

// RabbitMQ reads the greeting that an AMQP 0.9.1 broker at host:port sends before any login.
func RabbitMQ(ctx context.Context, node string) (Service, error) {
	var s Service
	err := converse(ctx, node, func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "AMQP\x00\x00\x09\x01"); err != nil {
			return err
		}
		frame, err := amqpFrame(conn)
		if err != nil {
			return err
		}
		properties, err := startProperties(frame)
		if err != nil {
			return err
		}
		if properties["version"] == "" {
			return becausef(NoVersion, "its greeting has no version")
		}
		s = Service{strings.ToLower(properties["product"]), properties["version"]}
		return nil
	})
	return s, err
}

// amqpFrame reads the payload of a method frame.
func amqpFrame(r io.Reader) ([]byte, error) {
	var header [7]byte // type, channel and the payload's size
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[3:])
	if header[0] != 1 || size > maxAnswer {
		return nil, becausef(OtherServer, "it is no AMQP 0.9.1 broker")
	}
	frame := make([]byte, size)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

// startProperties reads the texts in the server-properties table of a connection.start method.
func startProperties(frame []byte) (map[string]string, error) {
	errFrame := becausef(OtherServer, "its greeting is no connection.start of AMQP 0.9.1")
	// Class 10, method 10, version major and minor, then the table's length.
	if len(frame) < 10 || binary.BigEndian.Uint32(frame) != 10<<16|10 {
		return nil, errFrame
	}
	size := binary.BigEndian.Uint32(frame[6:])
	table := frame[10:]
	if uint64(size) > uint64(len(table)) {
		return nil, errFrame
	}
	table = table[:size]
	texts := map[string]string{}
	for len(table) > 0 {
		nameEnd := 1 + int(table[0])
		if len(table) < nameEnd+1 {
			return nil, errFrame
		}
		name, kind := string(table[1:nameEnd]), table[nameEnd]
		table = table[nameEnd+1:]
		length, prefix := 1, 0
		if kind == 'S' || kind == 'F' {
			if len(table) < 4 {
				return nil, errFrame
			}
			length, prefix = int(binary.BigEndian.Uint32(table)), 4
		} else if kind != 't' {
			return texts, nil // the size of other types is not known here, and product and version come first
		}
		if length < 0 || len(table)-prefix < length {
			return nil, errFrame
		}
		if kind == 'S' {
			texts[name] = string(table[prefix : prefix+length])
		}
		table = table[prefix+length:]
	}
	return texts, nil
}
