/**
 * Prints the registration that a homeserver reads to know Signalbox as an application service:
 *
 *   MATRIX_AS_TOKEN=… MATRIX_HS_TOKEN=… npm run --silent matrix:registration -- http://api.internal:8080 example.org
 *
 * The first argument (or MATRIX_APP_URL) is where the homeserver reaches an API node, the second (or SERVER_NAME) the
 * homeserver's server name. The file holds secrets.
 */

const USAGE = "npm run --silent matrix:registration -- <URL of an API node> <server name>";
/** The valid values of SERVER_NAME. */
const SERVER_NAME = /^[A-Za-z0-9.:[\]-]{1,230}$/;

/** A registration without a required value: `message` is one line that names it, without any given value. */
class RegistrationError extends Error {
  override readonly name = "RegistrationError";
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The registration as YAML, with its strings as JSON, which YAML accepts. Throws `RegistrationError`. */
function registration(env: Environment, [urlArgument, nameArgument]: readonly string[]): string {
  const url = urlArgument ?? env.MATRIX_APP_URL ?? "";
  if (!/^https?:/i.test(url) || !URL.canParse(url))
    throw new RegistrationError(`The URL where the homeserver reaches an API node is missing: ${USAGE}`);
  const serverName = nameArgument ?? env.SERVER_NAME ?? "";
  if (!SERVER_NAME.test(serverName)) throw new RegistrationError(`The homeserver's server name is missing: ${USAGE}`);
  const { asToken, hsToken } = tokens(env);
  // Synapse matches from the start only: without the "$" a longer server name would match, too.
  const allUsers = `@.*:${serverName.replaceAll(/[.[\]]/g, "\\$&")}$`;
  return `id: signalbox
url: ${JSON.stringify(url.replace(/\/+$/, ""))}
as_token: ${JSON.stringify(asToken)}
hs_token: ${JSON.stringify(hsToken)}
sender_localpart: _signalbox
# Typing, receipts and presence; Synapse before 1.156 knows it only as de.sorunome.msc2409.push_ephemeral.
receive_ephemeral: true
rate_limited: false
namespaces:
  # All users, so that Signalbox may act as any user of this homeserver; not exclusive, so that people may still register.
  users:
    - { exclusive: false, regex: ${JSON.stringify(allUsers)} }
  aliases: []
  rooms: []
`;
}

function tokens(env: Environment): { asToken: string; hsToken: string } {
  const { MATRIX_AS_TOKEN: asToken = "", MATRIX_HS_TOKEN: hsToken = "" } = env;
  if (asToken === "" || hsToken === "")
    throw new RegistrationError(
      "MATRIX_AS_TOKEN and MATRIX_HS_TOKEN must be set to the two secrets of the API nodes; `openssl rand -hex 32` makes one.",
    );
  if (asToken === hsToken) throw new RegistrationError("MATRIX_AS_TOKEN and MATRIX_HS_TOKEN must be two secrets.");
  return { asToken, hsToken };
}

try {
  process.stdout.write(registration(process.env, process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof RegistrationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
