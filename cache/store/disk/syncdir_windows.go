package disk

import "os"

// syncDir does nothing: Windows has no flush of a directory, and NTFS journals
// the names.
func syncDir(*os.Root) error { return nil }
