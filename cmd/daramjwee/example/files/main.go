// Files is an origin to try the cache on real input with: it serves a directory,
// on 127.0.0.1:8090.
//
//	go run ./cmd/daramjwee/example/files "$(go env GOROOT)/src"
//	go run ./cmd/daramjwee serve --origin http://127.0.0.1:8090
//	curl -sD- -o /dev/null http://127.0.0.1:8080/net/http/server.go
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: files DIRECTORY")
		os.Exit(2)
	}
	origin := http.Server{
		Addr:              "127.0.0.1:8090",
		Handler:           http.FileServer(http.Dir(os.Args[1])),
		ReadHeaderTimeout: 10 * time.Second,
	}
	fmt.Fprintln(os.Stderr, origin.ListenAndServe())
	os.Exit(1)
}
