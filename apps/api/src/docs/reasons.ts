/** Reasons of errors that several endpoints give in the same words. */

export const noRoom = { not_found: "No such room, or the user is not a member." };
export const noConversation = { not_found: "No such conversation, or the user is not a member." };
export const noMessage = { not_found: "No such room, or no such message in it." };
export const noUserId = { invalid: "The path holds no user id." };
/** In a bridged room, the homeserver hears of the change first. */
export const noMatrixUser = { forbidden: "The room is bridged, and the user has no Matrix id." };
