package locallog

import (
	"container/list"
	"sync"
)

// DefaultTileCache is the bytes of [Config.TileCache] when it is 0. A thousand
// tiles hold all above the lowest level of a log of 60 million entries.
const DefaultTileCache = 16 << 20

// A tileCache keeps full tiles, the most recently used ones, with the nodes
// between their levels once these were asked for. A full tile never changes,
// so every transaction in whose tree it is full may take it from here.
type tileCache struct {
	most int // tiles

	mu    sync.Mutex
	tiles map[cacheKey]*list.Element
	order list.List // of *cached, the last used first
}

type cacheKey struct {
	tree int64
	id   tileID
}

type cached struct {
	key  cacheKey
	tile *tile
}

// tileCost is what a tile takes at most: its hashes, the nodes between, and
// the places in list and map.
const tileCost = tileBytes + (tileWidth-2)*hashSize + 320

// newTileCache bounds a cache by bytes: to one tile at least.
func newTileCache(bytes int64) *tileCache {
	if bytes == 0 {
		bytes = DefaultTileCache
	}
	return &tileCache{most: int(max(bytes/tileCost, 1)), tiles: map[cacheKey]*list.Element{}}
}

// get is a tile, nil when it is not here.
func (c *tileCache) get(tree int64, id tileID) *tile {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.tiles[cacheKey{tree, id}]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).tile
}

// put keeps a full tile and lets the one go that was not used for longest.
func (c *tileCache) put(tree int64, id tileID, t *tile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{tree, id}
	if c.tiles[key] != nil { // another reader was faster
		return
	}
	c.tiles[key] = c.order.PushFront(&cached{key, t})
	for len(c.tiles) > c.most {
		last := c.order.Remove(c.order.Back()).(*cached)
		delete(c.tiles, last.key)
	}
}
