// Package strategy lends buffers to streams, in a way that is chosen by name.
//
//	your code ---> BufferPool ---> Backend
//
// Your code borrows from a BufferPool and copies streams with it. What an idle
// buffer is kept in is the Backend's business: two methods, one value per size
// class. NewPool puts size classes, exact statistics, refusal of repeated Puts,
// scrubbing, CopyBuffer and TeeReader on top of any Backend, and Register makes
// it selectable by name.
//
// The life of a buffer: Get(size) finds the smallest class that holds size and
// takes an idle buffer from its Backend, else allocates one of the class's size;
// larger sizes are plain allocations. The caller owns it. Put recognises the
// class by the buffer's capacity, marks the buffer as idle in its first eight
// bytes and offers it to the Backend, which keeps it or leaves it to the garbage
// collector. The next Get finds the mark and clears it. A Put that finds the
// mark is a repeat and refused; a Get that does not find it drops the buffer,
// for somebody wrote to it after Put.
//
// Checked wraps a pool to find who breaks these rules: in a test, or in a whole
// program built with the tag daramjwee_checked.
//
// Strategies: strategy/syncpool (the default), strategy/bytebuffer,
// strategy/channel and strategy/noop; each package comment compares it with the
// others. Importing package cache registers all four.
package strategy
