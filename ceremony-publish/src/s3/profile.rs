//! The keys that the vendor's tools keep in `~/.aws/credentials`.

use std::path::PathBuf;

use object_store::aws::AmazonS3Builder;
use zk_attest::diagnostic::Diagnostic;

/// Bytes of the file at most: a thousand profiles.
const MAX_BYTES: usize = 1 << 18;

/// The keys of one profile.
pub(crate) struct Profile {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Profile {
    pub(crate) fn give_to(self, builder: AmazonS3Builder) -> AmazonS3Builder {
        let builder = builder.with_access_key_id(self.id).with_secret_access_key(self.secret);
        match self.token {
            Some(token) => builder.with_token(token),
            None => builder,
        }
    }
}

/// Reads the profile that the environment names; none where there is no file. A profile that is
/// named and not there is an error.
pub(crate) fn read() -> Result<Option<Profile>, Diagnostic> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = variable("AWS_PROFILE");
    let usual = || std::env::home_dir().map(|home| home.join(".aws").join("credentials"));
    let path = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(usual);
    let Some(path) = path.filter(|path| path.is_file()) else { return Ok(None) };
    let bytes = zk_attest::file::read_regular(&path, MAX_BYTES).map_err(|error| {
        Diagnostic::environment("credentials", format_args!("the file was not read: {error}"))
            .at(path.display())
    })?;
    let name = named.as_deref().unwrap_or("default");
    let profile = parse(&String::from_utf8_lossy(&bytes), name);
    if profile.is_none() && named.is_some() {
        return Err(Diagnostic::environment("credentials", "the file has no keys of this profile")
            .at(path.display())
            .found(name)
            .hint("AWS_PROFILE names the profile"));
    }
    Ok(profile)
}

fn parse(text: &str, name: &str) -> Option<Profile> {
    let (mut id, mut secret, mut token) = (None, None, None);
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = section.trim() == name;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            let value = Some(value.trim().to_owned());
            match key.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(Profile { id: id?, secret: secret?, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_named_profile_are_taken() {
        let text = "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[ two ]\n\
                    aws_access_key_id=C\naws_secret_access_key = D=E\naws_session_token = F\n\
                    [three]\naws_access_key_id = G\n";
        let of = |name| parse(text, name).map(|it| (it.id, it.secret, it.token));
        assert_eq!(of("default"), Some(("A".into(), "B".into(), None)));
        assert_eq!(of("two"), Some(("C".into(), "D=E".into(), Some("F".into()))));
        assert_eq!(of("three"), None);
        assert_eq!(of("four"), None);
    }
}
