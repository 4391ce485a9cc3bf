import type { Boot } from './api'

/** Who is here, and what this server allows. `offline`: the page came from this device, not from the server. */
class Session {
  boot = $state.raw<Boot>() as Boot
  offline = $state(false)

  get user() {
    return this.boot.user
  }
}

export const session = new Session()
