// Settings: who one is, who else there is, what this server is made of and how it is.
import { doctor } from "./doctor.js";
import { options } from "./options.js";
import { parts } from "../parts.js";
import { people } from "./people.js";
import { profile } from "./profile.js";
import { servers } from "./servers.js";

parts({ profile, people, servers, doctor, options });
