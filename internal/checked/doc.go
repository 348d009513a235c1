// Package checked tells what the build tag daramjwee_checked was set to: code
// that opens its pools and tests that count on reuse both depend on it.
package checked
