package locallog

import (
	"flag"
	"io"
	"sync"

	"k8s.io/klog/v2"
)

// silence stops the log lines Trillian writes for every batch. klog is one
// for the whole process, so this is done once and for the whole process; what
// Trillian has to say to a caller it also returns.
var silence = sync.OnceFunc(func() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	// Errors go to stderr besides the output unless the threshold is higher.
	if err := flags.Set("stderrthreshold", "FATAL"); err != nil {
		return
	}
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
})
