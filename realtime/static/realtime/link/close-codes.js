// Why a link was closed: the codes of the server, with the same names as in realtime/live/wire.py, and
// codes that only this page uses.
export const AGED = 1001;
export const MALFORMED = 4400;
export const SESSION_ENDED = 4401;
export const TOO_SLOW = 4408;
export const TOO_MANY = 4429;

// The browser's own code of a WebSocket that broke; used here for every transport.
export const BROKEN = 1006;
// The page now needs something that this transport cannot do.
export const UNSUITABLE = -1;
// A better transport works again.
export const BETTER_AVAILABLE = -2;

const SERVER_CODES = new Set([AGED, MALFORMED, SESSION_ENDED, TOO_SLOW, TOO_MANY]);

// If the server sent the code, the transport itself works.
export function isServerCode(code) {
  return SERVER_CODES.has(code);
}
