module github.com/daramjwee/daramjwee

go 1.26.0

require (
	github.com/dunglas/httpsfv v1.1.2
	github.com/gofrs/flock v0.13.2
	github.com/oxtoacart/bpool v0.0.0-20190530202638-03653db5a59c
	github.com/stretchr/testify v1.12.1
	github.com/valyala/bytebufferpool v1.0.0
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
