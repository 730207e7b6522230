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
}

const RESOLV_CONF = '/etc/resolv.conf';

/** @param resolvConf where the name server is written to */
export function entryOf(
  image: ImageWords,
  { dns = '', logFile = '', command, arguments: given }: Entry,
  resolvConf = RESOLV_CONF,
): { readonly entrypoint: string[]; readonly command: string[] } {
  const words = command ?? [image.Entrypoint ?? [], given ?? image.Cmd ?? []].flat();
  return {
    entrypoint: ['/bin/sh', '-c', BEFORE, 'holdfast', resolvConf, dns, logFile],
    command: [...words],
  };
}

/** As sysexits(3) has it: something is wrong with the set-up. */
const WRONGLY_SET_UP = 78;

/**
 * In networks of their own, containers get Docker's name server, of which some releases forward
 * nothing from an internal network and some turn NXDOMAIN into SERVFAIL: the lab's is put in its
 * place. A server that went on with another would be told other answers than the evidence has.
 */
const BEFORE = `
asks_only() (
  asked=
  while read -r key value _; do
    [ "$key" != nameserver ] || asked="$asked $value"
  done 2>/dev/null <"$2"
  [ "$asked" = " $1" ]
)
if [ -n "$2" ] &&
  ! printf 'nameserver %s\\noptions trust-ad\\n' "$2" 2>/dev/null >"$1" &&
  ! asks_only "$2" "$1"
then
  echo "the lab's name server cannot be written to $1, which is read-only or not this user's."
  echo 'Let the image run as root (USER root at the end of its Dockerfile); the server may drop its rights by itself.'
  exit ${WRONGLY_SET_UP}
fi
[ -z "$3" ] || tail -n 0 -F "$3" 2>/dev/null &
shift 3
exec "$@"`;
