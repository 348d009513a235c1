package cache

// The strategies that a configuration can name without further imports.
import (
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)
