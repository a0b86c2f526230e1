package api

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// How long a session lives, and how many there can be.
const (
	sessionIdle     = 30 * time.Minute
	sessionLife     = 8 * time.Hour
	maxSessions     = 1000
	sessionsOfToken = 10
)

// sessions are who is signed in. They live in memory: a restart ends all. The
// token is kept, so that each request can ask whether it is still good.
type sessions struct {
	now func() time.Time

	mu     sync.Mutex
	byHash map[[32]byte]*session // by SHA-256 of the id, so looking one up tells nothing about others
}

type session struct {
	token       string
	begun, seen time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byHash: map[[32]byte]*session{}}
}

// begin makes a session for a token and returns its id, of at least 256 random
// bits. Of one token only the latest few sessions live, so that who has one token
// cannot crowd out the others.
func (s *sessions) begin(token string) string {
	id := rand.Text() + rand.Text()
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	s.crowd(sessionsOfToken, func(x *session) bool { return x.token == token })
	s.crowd(maxSessions, func(*session) bool { return true })
	s.byHash[sha256.Sum256([]byte(id))] = &session{token, now, now}
	return id
}

// find is the token of a session that is alive, which it keeps alive.
func (s *sessions) find(id string) (token string, ok bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(id))
	x := s.byHash[key]
	switch {
	case x == nil:
		return "", false
	case x.over(now):
		delete(s.byHash, key)
		return "", false
	}
	x.seen = now
	return x.token, true
}

// end ends a session; that there is none is no matter.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byHash, sha256.Sum256([]byte(id)))
}

// endToken ends all sessions of a token that is no good any more.
func (s *sessions) endToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, x := range s.byHash {
		if x.token == token {
			delete(s.byHash, key)
		}
	}
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.seen) >= sessionIdle || now.Sub(x.begun) >= sessionLife
}

func (s *sessions) sweep(now time.Time) {
	for key, x := range s.byHash {
		if x.over(now) {
			delete(s.byHash, key)
		}
	}
}

// crowd ends the longest idle of some sessions until one more is at most limit.
func (s *sessions) crowd(limit int, some func(*session) bool) {
	for {
		n, oldest := 0, [32]byte{}
		for key, x := range s.byHash {
			if !some(x) {
				continue
			}
			if n == 0 || x.seen.Before(s.byHash[oldest].seen) {
				oldest = key
			}
			n++
		}
		if n < limit {
			return
		}
		delete(s.byHash, oldest)
	}
}
