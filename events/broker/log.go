package broker

import (
	"fmt"
	"log/slog"
	"sync"
)

// serverLog passes the server's warnings and errors on and remembers the first
// fatal one, which is the only way the server reports that it could not start.
type serverLog struct {
	to *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *serverLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *serverLog) write(level slog.Level, format string, v []any) {
	if l.to == nil {
		return
	}
	switch msg := fmt.Sprintf(format, v...); level {
	case slog.LevelWarn:
		l.to.Warn(msg)
	default:
		l.to.Error(msg)
	}
}

// Fatalf implements server.Logger. It does not end the process.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == nil {
		l.fatal = fmt.Errorf(format, v...)
	}
}

// Errorf implements server.Logger.
func (l *serverLog) Errorf(format string, v ...any) { l.write(slog.LevelError, format, v) }

// Warnf implements server.Logger.
func (l *serverLog) Warnf(format string, v ...any) { l.write(slog.LevelWarn, format, v) }

// Noticef implements server.Logger and drops the line.
func (l *serverLog) Noticef(string, ...any) {}

// Debugf implements server.Logger and drops the line.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef implements server.Logger and drops the line.
func (l *serverLog) Tracef(string, ...any) {}
