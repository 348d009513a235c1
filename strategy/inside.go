package strategy

import (
	"bufio"
	"io"
	"net"
	"os"
	"reflect"
	"syscall"
)

// What is right for a bufio.Reader or a MultiReader depends on what it reads
// from, and neither tells. The types are looked up by reflection, which reads no
// value. If a later Go names the fields otherwise, nothing is known of the inside
// and io.Copy's way is taken: the result is the same, at the price of a buffer.

var (
	fileType     = reflect.TypeFor[*os.File]()
	tcpType      = reflect.TypeFor[*net.TCPConn]()
	limitedType  = reflect.TypeFor[*io.LimitedReader]()
	writerToType = reflect.TypeFor[io.WriterTo]()
	connType     = reflect.TypeFor[syscall.Conn]()
	multiType    = reflect.TypeOf(io.MultiReader())

	readerField  = fieldOf(reflect.TypeFor[bufio.Reader](), "rd", reflect.TypeFor[io.Reader]())
	readersField = fieldOf(multiType.Elem(), "readers", reflect.TypeFor[[]io.Reader]())
)

// fieldOf returns the index of a struct's field, -1 if it has no such one.
func fieldOf(t reflect.Type, name string, want reflect.Type) int {
	if t.Kind() == reflect.Struct {
		if f, ok := t.FieldByName(name); ok && f.Type == want {
			return f.Index[0]
		}
	}
	return -1
}

// returnsToCopy reports whether b's WriteTo ends in something that is io.Copy
// again, so that a destination with ReadFrom catches it: the WriteTo of a file or
// connection, or the ReadFrom of dst. Everything else bufio writes out of its own
// buffer, by rules of its own for short writes and for what stays unread.
func returnsToCopy(dst io.Writer, b *bufio.Reader) bool {
	if b == nil || readerField < 0 {
		return false
	}
	inner := reflect.ValueOf(b).Elem().Field(readerField)
	if inner.IsNil() {
		return false
	}
	if _, ok := dst.(*net.UnixConn); ok && splices {
		return false // sendfile and splice look for it
	}
	switch t := inner.Elem().Type(); {
	case t == fileType, t == tcpType:
		return true
	case t.Implements(writerToType):
		return false
	}
	_, ok := dst.(io.ReaderFrom)
	return ok
}

func isMultiReader(src io.Reader) bool { return reflect.TypeOf(src) == multiType }

// holdsDescriptor reports whether a part of a MultiReader is a file or a socket.
func holdsDescriptor(multi io.Reader) bool { return descriptorIn(reflect.ValueOf(multi)) }

func descriptorIn(v reflect.Value) bool {
	switch v.Type() {
	case multiType:
		if readersField < 0 {
			return false
		}
		parts := v.Elem().Field(readersField)
		for i := range parts.Len() {
			if part := parts.Index(i); !part.IsNil() && descriptorIn(part.Elem()) {
				return true
			}
		}
		return false
	case limitedType:
		inner := v.Elem().FieldByName("R")
		return !inner.IsNil() && inner.Elem().Type().Implements(connType)
	}
	return v.Type().Implements(connType)
}
