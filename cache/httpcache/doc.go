// Package httpcache is a caching reverse proxy: an http.Handler that answers
// from a cache, and from one origin what the cache does not have. It keeps to
// RFC 9110 (HTTP semantics), RFC 9111 (caching), RFC 5861 (stale answers) and
// RFC 9211 (Cache-Status), as a shared cache.
//
//	client ---> Handler ---> cache ---> Fetcher ---> origin
//	                   \--------- all else ---------/
//
// What happens to one request, in order:
//
//  1. Its URL is put in place at the origin: scheme and host are the origin's,
//     the paths are joined, the query stays as it is. That URL is the key,
//     together with those of br, gzip and zstd that the client accepts, so that
//     answers in different encodings never mix.
//  2. It passes through when its answer is not the cache's business: a method
//     other than GET and HEAD, Authorization, If-Match, If-Unmodified-Since,
//     content, no-store. So does what insists on the origin's own answer:
//     no-cache, max-age=0.
//  3. HEAD, and GET with only-if-cached, are answered from a fresh entry. Without
//     one, HEAD passes through and only-if-cached is a 504. GET with Range is
//     answered from a fresh entry or a stale one that is refreshed behind, in the
//     tier where it lies: 206, also of several ranges, 416, or all of it when
//     If-Range says so. Without one it passes through, and fills nothing: the end
//     of a large body is not to wait for all of it.
//  4. Any other GET is a Get of the cache: a fresh entry, a stale one that is
//     refreshed behind, or a fetch. The fetch sends what passing through would
//     send, but for the client's own conditions: in their place are the
//     validators of a stale entry, if there is one. The origin does not learn the
//     Host of a GET or HEAD: the answer may be for everybody.
//  5. The origin's answer is stored when it is a 200 or a 404 whose end is
//     certain (a length, or chunks) and that is for everybody: without
//     Set-Cookie, private, no-store, and Vary beyond Accept-Encoding. Content-Range,
//     announced trailers and event streams are not stored either. s-maxage,
//     max-age or Expires say how long it is fresh, else the cache's Freshness
//     does; there are no heuristics. A 304 updates the stale entry.
//  6. What is not stored goes to this client alone, just as it came, and
//     Cache-Status says why. An error of the origin (500, 502, 503, 504, or no
//     answer at all) is replaced by a stale entry where that is allowed. Else an
//     answer goes out as it is, and no answer is a 502, or a 504 after a time-out.
//  7. An entry goes out with its status and fields as the origin sent them,
//     without those for one connection; with Age, Content-Length, Cache-Status,
//     and Accept-Ranges where its ranges can be served; as a 304 when the client's
//     own copy is current. A body that ends early ends the client's connection.
//     Trailers that were not announced are lost.
//  8. When an unsafe request (POST, PUT, DELETE, …) succeeds, the entries of its
//     URL, and those that Location and Content-Location name at the same origin,
//     are deleted before the answer goes out.
//
// Upgrade is ignored, except for WebSocket, which gets a 501.
package httpcache
