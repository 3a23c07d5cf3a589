/** What archives hold: messages of users and of rooms. Types only. */

/** Whose archive: a user ("ann" at "example.com") or a room. Prepared, compared byte by byte. */
export interface ArchiveOwner {
  /** The domain, 1 to 255 bytes. */
  readonly server: string;
  /** In front of the @, 1 to 1,023 bytes. */
  readonly name: string;
}

/** What all messages have on their way into an archive. */
export interface AnyMessageInput {
  /** Default: one that is made. With one of another node, both sides can have the same. */
  readonly id?: bigint;
  /** What the sender calls the message; 1 to 512 bytes. */
  readonly originId?: string;
  /** The whole message, as it is given back. Up to `packetBytesMax`. */
  readonly packet: string;
  /** What full text search looks at; without it the message is not found by text. */
  readonly text?: string;
}

/** A message on its way into a user's archive. */
export interface UserMessageInput extends AnyMessageInput {
  /** The other side: a bare or a full address. */
  readonly with: string;
  /** Who sent it: a bare or a full address. */
  readonly from: string;
  /** "out": the archive's owner sent it. */
  readonly direction: "in" | "out";
  /** It came from a room. Default false. */
  readonly isGroupchat?: boolean;
}

/** A message on its way into a room's archive. */
export interface RoomMessageInput extends AnyMessageInput {
  /** What the sender is called in the room. 1 to 1,023 bytes. */
  readonly nick: string;
  /** The sender's bare address. */
  readonly sender: string;
}

/** What all archived messages have. */
export interface AnyMessage {
  readonly id: bigint;
  /** When it was archived, µs since 1970. */
  readonly at: bigint;
  readonly originId: string | undefined;
  readonly packet: string;
  /** When it was retracted, µs since 1970; the packet is a tombstone then. */
  readonly retractedAt: bigint | undefined;
}

/** A message of a user's archive. */
export interface UserMessage extends AnyMessage {
  readonly with: string;
  readonly from: string;
  readonly direction: "in" | "out";
  readonly isGroupchat: boolean;
}

/** A message of a room's archive. */
export interface RoomMessage extends AnyMessage {
  readonly nick: string;
  readonly sender: string;
}

/** Which messages: those that meet all that is given. */
export interface MessageFilter {
  /** At this time or later, µs since 1970. */
  readonly start?: bigint;
  /** At this time or earlier, µs since 1970. */
  readonly end?: bigint;
  /** Behind this message, which must exist. */
  readonly afterId?: bigint;
  /** In front of this message, which must exist. */
  readonly beforeId?: bigint;
  /** With this id or a greater one. */
  readonly fromId?: bigint;
  /** With this id or a lesser one. */
  readonly toId?: bigint;
  /** Users: with this address; all of its resources if it is bare. */
  readonly with?: string;
  /** Users: whether messages from rooms are among them. Default true. */
  readonly includeGroupchat?: boolean;
  /** Rooms: of this nick. */
  readonly nick?: string;
  /** Rooms: of this sender, a bare address. */
  readonly sender?: string;
  /** With all of these words in it, of which 10 are looked at. */
  readonly text?: string;
}
