/**
 * An HTTP cache (RFC 9111) such as HTTP libraries have built in. RFC 8461 §3.3 forbids it for
 * policies; it exists here to be that fault.
 */

import type { Get } from './policy-fetch.ts';

/**
 * `get`, through a cache: fresh by Cache-Control: no request; stale with an ETag: a conditional
 * one, where 304 means the stored answer.
 */
export function throughHttpCache(get: Get): Get {
  const stored = new Map<
    string,
    { readonly answer: Awaited<ReturnType<Get>>; readonly at: number }
  >();
  return async (url, headers, signal) => {
    const entry = stored.get(url.href);
    if (entry && Date.now() - entry.at < freshnessMs(entry.answer.headers['cache-control']))
      return entry.answer;
    const etag = entry?.answer.headers.etag;
    const answer = await get(
      url,
      etag === undefined ? headers : { ...headers, 'if-none-match': etag },
      signal,
    );
    if (entry && answer.status === 304) return entry.answer;
    stored.set(url.href, { answer, at: Date.now() });
    return answer;
  };
}

function freshnessMs(cacheControl = ''): number {
  return Number(/max-age=(\d+)/.exec(cacheControl)?.[1] ?? 0) * 1000;
}
