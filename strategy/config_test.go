package strategy_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

type config = strategy.BufferPoolConfig

func TestWithDefaults(t *testing.T) {
	full := config{Strategy: "syncpool", DefaultBufferSize: 32 << 10, MinBufferSize: 4 << 10, MaxBufferSize: 64 << 10,
		MaxIdle: 64, CleanupInterval: time.Minute}
	require.Equal(t, full, config{}.WithDefaults())

	small := config{DefaultBufferSize: 2 << 10}.WithDefaults()
	require.Equal(t, 2<<10, small.MinBufferSize, "Min follows a small Default")
	require.Equal(t, 64<<10, small.MaxBufferSize)

	large := config{DefaultBufferSize: 128 << 10}.WithDefaults()
	require.Equal(t, 4<<10, large.MinBufferSize)
	require.Equal(t, 128<<10, large.MaxBufferSize, "Max follows a large Default")

	require.Equal(t, full, full.WithDefaults())
}

func TestValidateAccepts(t *testing.T) {
	for _, c := range []config{
		{}, strategy.DefaultConfig(), strategy.DefaultConfig().WithDefaults(),
		{Enabled: true, DefaultBufferSize: 64}, {Enabled: true, DefaultBufferSize: 2 << 10}, {Enabled: true, DefaultBufferSize: 128 << 10},
		{Enabled: true, MinBufferSize: 32 << 10}, {Enabled: true, MaxBufferSize: 32 << 10}, {Enabled: true, MaxBufferSize: 100_000},
		{Enabled: true, Strategy: "channel", MaxIdle: 1, CleanupInterval: -1, Scrub: true},
	} {
		require.NoError(t, c.Validate(), "%+v", c)
	}
}

func TestValidateNamesFieldValueAndAllowed(t *testing.T) {
	for _, tc := range []struct {
		cfg   config
		field string
		value any
	}{
		{config{DefaultBufferSize: -1}, "DefaultBufferSize", -1},
		{config{DefaultBufferSize: 63}, "DefaultBufferSize", 63},
		{config{DefaultBufferSize: math.MinInt}, "DefaultBufferSize", math.MinInt},
		{config{MinBufferSize: -5}, "MinBufferSize", -5},
		{config{MinBufferSize: 63}, "MinBufferSize", 63},
		{config{MinBufferSize: 64 << 10}, "MinBufferSize", 64 << 10},
		{config{MinBufferSize: 9000, DefaultBufferSize: 8000}, "MinBufferSize", 9000},
		{config{MaxBufferSize: -1}, "MaxBufferSize", -1},
		{config{MaxBufferSize: 16 << 10}, "MaxBufferSize", 16 << 10},
		{config{DefaultBufferSize: 64 << 10, MaxBufferSize: 32 << 10}, "MaxBufferSize", 32 << 10},
		{config{MaxIdle: -1}, "MaxIdle", -1},
		{config{Strategy: "nope"}, "Strategy", "nope"},
		{config{Strategy: "SyncPool "}, "Strategy", "SyncPool "},
	} {
		for _, enabled := range []bool{true, false} {
			tc.cfg.Enabled = enabled
			err := tc.cfg.Validate()
			var fault *strategy.ConfigError
			require.ErrorAs(t, err, &fault, "%+v", tc.cfg)
			require.Equal(t, tc.field, fault.Field)
			require.Equal(t, tc.value, fault.Value)
			require.NotEmpty(t, fault.Allowed)
			require.ErrorContains(t, err, tc.field)

			p, err := strategy.New(tc.cfg)
			require.Nil(t, p)
			require.ErrorAs(t, err, &fault)
		}
	}
}

func TestValidateReportsEveryFaultAtOnce(t *testing.T) {
	err := config{Strategy: "chanel", DefaultBufferSize: -1, MinBufferSize: -2, MaxBufferSize: -3, MaxIdle: -4}.Validate()
	var fields []string
	for _, e := range flatten(err) {
		var fault *strategy.ConfigError
		require.ErrorAs(t, e, &fault)
		fields = append(fields, fault.Field)
	}
	require.Equal(t, []string{"DefaultBufferSize", "MinBufferSize", "MaxBufferSize", "MaxIdle", "Strategy"}, fields)
}

func TestUnknownStrategyIsExplained(t *testing.T) {
	err := config{Strategy: "chanel"}.Validate()
	require.ErrorContains(t, err, `daramjwee: Strategy = "chanel", allowed: did you mean "channel"? one of bytebuffer, channel, `)
	err = config{Strategy: "postgres"}.Validate()
	require.NotContains(t, err.Error(), "did you mean")
}

func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

func TestNewTellsConfigFaultsFromFailures(t *testing.T) {
	broken := errors.New("no memory today")
	name := uniqueName(t)
	strategy.Register(name, func(config) (strategy.BufferPool, error) { return nil, broken })
	_, err := strategy.New(config{Enabled: true, Strategy: name})
	require.ErrorIs(t, err, broken)
	var fault *strategy.ConfigError
	require.NotErrorAs(t, err, &fault, "a failure of the strategy is not a fault of the configuration")

	p, err := strategy.New(config{Strategy: name})
	require.NoError(t, err, "a disabled pool does not ask its strategy")
	require.Len(t, p.Get(0), 32<<10)

	empty := uniqueName(t)
	strategy.Register(empty, func(config) (strategy.BufferPool, error) { return nil, nil })
	_, err = strategy.New(config{Enabled: true, Strategy: empty})
	require.ErrorContains(t, err, empty)
}
