package clean_test

import "github.com/daramjwee/daramjwee/internal/checked"

func init() { checked.Off() } // the suite plants misuse
