/**
 * What a container runs: a shell that makes things ready, and in its place then what the image does,
 * or what is run instead.
 */

export interface Entry {
  /** Address of the name server. */
  readonly dns?: string;
  /** A file whose new lines are told as if they were printed. */
  readonly logFile?: string;
  /** Run in place of what the image does, its entry point as well. */
  readonly command?: readonly string[];
  /** Given to the image's entry point; default: the image's own. */
  readonly arguments?: readonly string[];
}

/** What an image says of itself. */
export interface ImageWords {
  readonly Entrypoint?: string | readonly string[] | null;
  readonly Cmd?: string | readonly string[] | null;
  readonly User?: string;
}

const RESOLV_CONF = '/etc/resolv.conf';

/** How often it is looked whether the name server has been written from outside: some ten seconds. */
const LOOKS = 50;

/** @param place where the name server is written to, and how often it is looked for there */
export function entryOf(
  image: ImageWords,
  { dns = '', logFile = '', command, arguments: given }: Entry,
  { resolvConf = RESOLV_CONF, looks = LOOKS } = {},
): { readonly entrypoint: string[]; readonly command: string[] } {
  const words = command ?? [image.Entrypoint ?? [], given ?? image.Cmd ?? []].flat();
  return {
    entrypoint: ['/bin/sh', '-c', BEFORE, 'holdfast', resolvConf, dns, logFile, String(looks)],
    command: [...words],
  };
}

/** Whether the image's user may not write the name server: then root does it, from outside. */
export function needsRoot({ User = '' }: ImageWords): boolean {
  return !/^(?:|0|root)(?::|$)/.test(User);
}

/** What root is to run in the container of such an image. */
export function nameServerCommand(dns: string): string[] {
  return ['/bin/sh', '-c', PUT, 'holdfast', RESOLV_CONF, dns];
}

/** As sysexits(3) has it: something is wrong with the set-up. */
const WRONGLY_SET_UP = 78;

/**
 * In networks of their own, containers get Docker's name server, of which some releases forward
 * nothing from an internal network and some turn NXDOMAIN into SERVFAIL: the lab's is put in its
 * place. A server that went on with another would be told other answers than the evidence has.
 */
const PUT = `printf 'nameserver %s\\noptions trust-ad\\n' "$2" 2>/dev/null >"$1"`;

/** Another user than root waits for root to put it there. */
const BEFORE = `
asks_only() (
  asked=
  while read -r key value _; do
    [ "$key" != nameserver ] || asked="$asked $value"
  done 2>/dev/null <"$2"
  [ "$asked" = " $1" ]
)
written() {
  looked=0
  until asks_only "$2" "$1"; do
    looked=$((looked + 1))
    [ "$looked" -lt "$4" ] || return 1
    sleep 0.2 2>/dev/null || sleep 1
  done
}
if [ -n "$2" ] && ! ${PUT} && ! written "$@"; then
  echo "the lab's name server cannot be written to $1: is its file system read-only?"
  echo 'An image that runs as root (USER root at the end of its Dockerfile) writes it by itself; the server may drop its rights.'
  exit ${WRONGLY_SET_UP}
fi
if [ -n "$3" ] && ! command -v tail >/dev/null 2>&1; then
  echo "the log is read from $3 (log.from.file) by tail, which this image has not: install it (coreutils, busybox)."
  exit ${WRONGLY_SET_UP}
fi
[ -z "$3" ] || tail -n 0 -F "$3" 2>/dev/null &
shift 4
exec "$@"`;

/** Why a container did not start, in the engine's words or in better ones. */
export function startProblem(said: string): string {
  return /exec: "\/bin\/sh"/.test(said)
    ? 'its image has no /bin/sh, by which it is set up and driven: install a shell in it, such as that of busybox'
    : said;
}

/** How a container ended by itself. */
export function endOf(code: number): string {
  return code === 0
    ? 'exited with code 0 (its container ends with it: let the server stay in the foreground)'
    : `exited with code ${code}`;
}
